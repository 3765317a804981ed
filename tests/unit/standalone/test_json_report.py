import json

from geophone.json_report import json_report
from tests.support import reports


def test_it_is_the_report_itself_in_its_order() -> None:
    report = reports.tunnel_report()
    text = json_report(report)
    assert json.loads(text) == report
    assert list(json.loads(text)) == list(report)
    assert text.endswith("}\n")


def test_it_is_ascii_and_strict_also_for_undecodable_file_names() -> None:
    report = reports.report()
    report["capture"]["files"] = ["é\udcff.pcap", "\u202e.pcap"]
    text = json_report(report)
    assert text.isascii()
    assert json.loads(text)["capture"]["files"] == ["é\\xff.pcap", "\u202e.pcap"]
