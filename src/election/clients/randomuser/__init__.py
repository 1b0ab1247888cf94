"""The randomuser.me API, version 1.4: people and photos, within the API's own limits.

What the API does is as its own source says (github.com/RandomAPI/Randomuser.me-Node).
"""
