"""Can the printed numbers of a paper all be true? `audit` for a folder, `confusion_tables` for one row of metrics."""

from helpers.stats.claims.audit import Audit, audit, audit_numbers
from helpers.stats.claims.finding import SEVERITIES, VERDICTS, Finding
from helpers.stats.claims.row import audit_row
from helpers.stats.claims.tables import confusion_tables

__all__ = ["SEVERITIES", "VERDICTS", "Audit", "Finding", "audit", "audit_numbers", "audit_row", "confusion_tables"]
