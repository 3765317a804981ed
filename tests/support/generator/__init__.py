"""Makes DNS traffic of any size: deterministic, with the truth beside it.

    shapes, tunnels   what is asked: ordinary traffic and tunnelling tools, as data
    arrivals          when it is asked: a `Mixture` as chunks of `EXCHANGE` records
    rows, pcap        the same exchanges as transactions or as a capture file
    truth             what a detector should find in them

`python -m tests.support.generator --help` writes a capture file for people.
"""
