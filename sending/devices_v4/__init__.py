"""Door ``/v4/devices``: browsers that subscribe to pushes (contract schedules_v4, of which it is the other half)."""
