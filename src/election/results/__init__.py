"""Stage 7, results: what was counted, in the form that people and programs read."""

from election.results.before import against_before, compared
from election.results.documents import checked, record_documents
from election.results.export import export
from election.results.nist import nist_report
from election.results.tables import results

__all__ = ["against_before", "checked", "compared", "export", "nist_report", "record_documents", "results"]
