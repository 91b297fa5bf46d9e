"""A bare DRF JSON:API service: one model, one ModelViewSet, one row for each POST."""
