"""At a time, again and again, in everyone's own zone (contract schedules_v4)."""
