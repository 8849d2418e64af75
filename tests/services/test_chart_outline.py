"""The chart's objects under mocks against those that Helm renders, for every stack."""

import pytest

from tests.support.manifests import CHART_TYPE, chart_calls, chart_of, identity
from tests.support.rendering import Rendered

pytestmark = pytest.mark.conformance


def test_mocks_know_each_object_of_the_chart_and_no_other(stack: Rendered) -> None:
    charts = {chart.urn for chart in stack.of_type(CHART_TYPE)}
    outlined = [one.inputs for one in stack.objects() if one.parent in charts]
    real = [manifest for call in chart_calls(stack) for manifest in chart_of(call)]
    assert outlined
    assert sorted(map(identity, outlined)) == sorted(map(identity, real))


def test_helm_names_the_namespace_of_each_object(stack: Rendered) -> None:
    real = [manifest for call in chart_calls(stack) for manifest in chart_of(call)]
    assert [identity(manifest) for manifest in real if not manifest["metadata"].get("namespace")] == []
