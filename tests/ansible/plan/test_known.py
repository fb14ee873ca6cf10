"""The name that a verb was given."""

from __future__ import annotations

import pytest
from gramex_plan.known import unknown

LISTED = [{"name": "site"}, {"name": "api", "hosts": ["web2"]}, {"name": "jobs", "hosts": "workers"}]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("siet", "there is no app `siet`. Did you mean `site`? Apps here: api, jobs, old, site."),
        ("odl", "there is no app `odl`. Did you mean `old`? Apps here: api, jobs, old, site."),
        ("wiki", "there is no app `wiki`. Apps here: api, jobs, old, site."),
        ("site", "app site has not been deployed to web1 yet: ansible-playbook site.yml"),
        ("jobs", "app jobs has not been deployed to web1 yet: ansible-playbook site.yml"),
        ("api", ""),
    ],
)
def test_names(name: str, says: str) -> None:
    assert unknown(name, ["old"], LISTED, "web1", ["gramex", "workers"]) == says
