-- How far a scheduled look came (election.reconciliation.mark); null in other validations.
ALTER TABLE validations ADD mark jsonb;
