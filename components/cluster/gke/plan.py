"""What follows from names alone. Pure functions."""


def workload_pool(project: str) -> str:
    """The pool of identities that a project's clusters share."""
    return f"{project}.svc.id.goog"


def project_number(service_agent: str) -> str:
    """The number of the project that a Google service agent (`service-<number>@...`) belongs to."""
    name = service_agent.partition("@")[0]
    number = name.rpartition("-")[2]
    if not number.isdigit():
        raise ValueError(f"service_agent: {service_agent!r} does not look like service-<project number>@...")
    return number


def principal(project: str, number: str, *, namespace: str, service_account: str) -> str:
    """The IAM principal that the pods of a Kubernetes ServiceAccount are."""
    pool = f"projects/{number}/locations/global/workloadIdentityPools/{workload_pool(project)}"
    return f"principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{service_account}"
