"""Files that are written from others; `python -m tests.support.generated_docs` does it."""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import yaml
from pydantic.fields import FieldInfo

import geophone_alerter.metrics
import geophone_capture.metrics
import geophone_detector.metrics
from geophone_alerter.alert_store import AlertStore
from geophone_alerter.api.app import rest_app
from geophone_alerter.api.shown import Shown
from geophone_alerter.told_store import ToldStore
from geophone_alerter.top_store import TopStore
from geophone_shared.metrics import common
from geophone_shared.metrics.families import Family, Histogram
from geophone_shared.settings.paths import environment_name, is_secret
from geophone_shared.settings.settings import Settings, all_settings
from geophone_shared.settings.values import plain
from tests.support.outside import PROJECT

_CONFIGURATION = """\
# Configuration

Every setting can be given in three ways. The first that has it decides:

1. a flag of the command, where it has one (`geophone run --help`);
2. an environment variable; several values are separated by commas, and an empty variable sets
   nothing;
3. the TOML file of `--config FILE` or `GEOPHONE_CONFIG_FILE`.

```toml
data_dir = "/var/lib/geophone"

[detector.rule_thresholds]
unique_hostnames = 300

[alerter.email]
host = "mail.example.com"
from = "geophone@example.com"
to = ["soc@example.com"]
password_file = "/run/secrets/mail"
```

A key or a `GEOPHONE_` variable that is no setting is an error, and so is a value that can't be
right: exit code 2, and a sentence that names the setting, where it comes from and what to write.
All services can share one file. What Kubernetes puts into the environment for a service that is
called `geophone-alerter` (`GEOPHONE_ALERTER_SERVICE_HOST`, ...) is ignored.

| command | prints |
|---|---|
| `geophone config show [--config FILE] [--json]` | what holds and where it comes from, as TOML |
| `geophone config validate [--config FILE]` | whether it is right; exit code 2 if not |
| `geophone config schema` | the JSON schema of the file |

**Secrets** can stand in a file of their own (`..._file`), which is read when the secret is used and
holds it in one line. None is ever printed.

**Addresses**: REST on an address that isn't loopback needs `alerter.api_token` or `api_token_file`.
Probes and metrics hold no names and no addresses and need none.

This page is generated from the code: `make docs`.
"""

_PROMETHEUS_RULE = """\
# deploy/prometheus/rules as an object of the Prometheus operator; generated from it by `make docs`.
"""

_METRICS = """\
# Metrics

`/metrics` in Prometheus' text format: of `geophone capture` and `geophone detector` on `--ops`, of
`geophone alerter` and `geophone run` on `--http`.

A label's values are declared with it, so that no domain, address or error text ever becomes one
and the number of series doesn't depend on traffic. Counters are there from the start, at 0. A
gauge of a partition or a stage is there while the process has it. Beside these there are the
`process_...` series of Prometheus' own client.

This page is generated from the code: `make docs`.
"""

_SERVICES = {
    "Every service": common.FAMILIES,
    "Capture": geophone_capture.metrics.FAMILIES,
    "Detector": geophone_detector.metrics.FAMILIES,
    "Alerter": geophone_alerter.metrics.FAMILIES,
}


def configuration_page() -> str:
    """docs/configuration.md."""
    return "\n".join([_CONFIGURATION, *_settings()]) + "\n"


def metrics_page() -> str:
    """docs/metrics.md."""
    return "\n".join([_METRICS, *_families()]) + "\n"


def openapi_document() -> str:
    """docs/openapi.json: REST, for programs that make clients."""
    nothing = Shown(
        alerts=AlertStore(),
        told=ToldStore(),
        top=TopStore(),
        stages=dict,
        is_acting=lambda: False,
    )
    return json.dumps(rest_app(nothing).openapi(), indent=2) + "\n"


def prometheus_rule() -> str:
    """The rules of Prometheus as an object of its operator."""
    files = sorted(Path(PROJECT, "deploy", "prometheus", "rules").glob("*.yml"))
    groups = [
        group
        for file in files
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    ]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "geophone",
            "namespace": "geophone",
            "labels": {"app.kubernetes.io/part-of": "geophone"},
        },
        "spec": {"groups": groups},
    }
    return _PROMETHEUS_RULE + yaml.safe_dump(rule, sort_keys=False, allow_unicode=True, width=1000)


PAGES = {
    "docs/configuration.md": configuration_page,
    "docs/metrics.md": metrics_page,
    "docs/openapi.json": openapi_document,
    "deploy/kubernetes/components/prometheus-operator/prometheus-rule.yaml": prometheus_rule,
}
"""What is generated, by where it is."""


def _settings() -> Iterator[str]:
    for section, members in groupby(
        all_settings().items(), lambda each: each[0].rpartition(".")[0]
    ):
        yield f"## `[{section}]`" if section else "## At the top"
        yield from ("", *_about(section))
        yield "| setting | environment | default | |"
        yield "|---|---|---|---|"
        for path, field in members:
            name = path.rpartition(".")[2]
            meaning = " ".join((field.description or "").split()).replace("|", "\\|")
            yield f"| `{name}` | `{environment_name(path)}` | {_default(field)} | {meaning} |"
        yield ""


def _about(section: str) -> list[str]:
    model: type = Settings
    for part in filter(None, section.split(".")):
        model = model.model_fields[part].annotation  # type: ignore[attr-defined] # a model's
    about = (model.__doc__ or "").splitlines()[0]
    return [about, ""] if section else []


def _default(field: FieldInfo) -> str:
    if is_secret(field) or field.default is None:
        return ""
    return f"`{json.dumps(plain(field.default))}`"


def _families() -> Iterator[str]:
    for service, families in _SERVICES.items():
        inherited = () if families is common.FAMILIES else common.FAMILIES
        yield from (f"## {service}", "", "| metric | kind | labels | |", "|---|---|---|---|")
        for family in families:
            if family not in inherited:
                kind = type(family).__name__.lower()
                yield f"| `{family.name}` | {kind} | {_labels(family)} | {family.help} |"
        yield ""


def _labels(family: Family) -> str:
    texts = []
    for label in family.labels:
        values = ", ".join(f"`{value}`" for value in label.values or ())
        texts.append(f"`{label.name}`: {values or 'known at the start'}")
    if isinstance(family, Histogram):
        bounds = ", ".join(f"{bound:g}" for bound in family.buckets)
        texts.append(f"buckets up to {bounds}")
    return "; ".join(texts)


if __name__ == "__main__":
    for name, page in PAGES.items():
        path = Path(PROJECT, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")
