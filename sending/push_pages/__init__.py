"""What pages need to subscribe their browsers: a script, the worker that shows pushes, and a page to try both."""
