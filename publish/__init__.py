"""The values with which Argo CD deploys the services, as files for its Git repository."""
