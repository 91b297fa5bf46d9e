"""A bare Spyne service: findJobs as Spyne's documents declare an operation, answered with rows made beforehand."""
