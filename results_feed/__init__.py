"""The results feed: every election's figures as JSON over HTTP, for programs. Read only, without any person's data.

It shows the snapshots that the dashboard shows (``election.live``). docs/feed.md describes it to those who use it.
"""
