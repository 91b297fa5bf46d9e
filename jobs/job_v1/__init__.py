"""The door of Job API V1 (contract job_v1)."""
