"""Results in NIST SP 1500-100 version 2, the Election Results Reporting Common Data Format, as JSON and as XML.

Pure functions: ``Report`` is what is known of an election, ``written`` its document. Source: NIST SP 1500-100r2,
doi 10.6028/NIST.SP.1500-100r2, schemas at usnistgov/ElectionResultsReporting. The mapping is in docs/evidence.md.
"""

from election.nist.document import document
from election.nist.report import ContestReport, Report, plurality, ranked, reported
from election.nist.writing import Form, written

__all__ = [
    "ContestReport",
    "Form",
    "Report",
    "document",
    "plurality",
    "ranked",
    "reported",
    "written",
]
