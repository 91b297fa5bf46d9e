"""The door of job completed notification registrations (contract job_completed_notifications)."""
