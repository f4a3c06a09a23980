# SPDX-License-Identifier: Apache-2.0
"""intel_rdt in `events --stats`: the members that go-runc decodes."""
import json

import host
from emulated_resctrl import Resctrl, with_rdt
from harness import same, test


def stats(box, id="c1"):
    return json.loads(box.hozo("events", "--stats", id).ok().out)["data"]["intel_rdt"]


def counters(rmid):
    """What the emulator's counters show for a group with this number."""
    base = [rmid * 1000000 + domain * 1000 for domain in (0, 1)]
    return {"mbm_stats": [{"mbm_total_bytes": b + 2, "mbm_local_bytes": b + 3} for b in base],
            "cmt_stats": [{"llc_occupancy": b + 1} for b in base]}


MACHINE = {"l3_cache_info": {"cbm_mask": "7ff", "min_cbm_bits": 2, "num_closids": 12},
           "mem_bw_info": {"bandwidth_gran": 10, "delay_linear": 1, "min_bandwidth": 10, "num_closids": 12},
           "l3_cache_schema_root": "L3:0=7ff;1=7ff", "mem_bw_schema_root": "MB:0=100;1=100"}


@test
def all_of_it(box):
    Resctrl(box, closids=12, min_bits=2)
    box.running(with_rdt(box, l3CacheSchema="L3:0=f;1=3f", memBwSchema="MB:1=20"))
    same(stats(box), {**MACHINE, "l3_cache_schema": "L3:0=f;1=3f", "mem_bw_schema": "MB:0=100;1=20",
                      "schemata": ["MB:0=100;1=20", "L3:0=f;1=3f"], **counters(1)})


@test
def the_group_that_monitors_the_container_is_counted_not_its_class(box):
    r = Resctrl(box)
    r.make("gold")
    box.running(with_rdt(box, closID="gold", enableMonitoring=True))
    told = stats(box)
    same({k: told[k] for k in counters(2)}, counters(2))
    same(told["l3_cache_schema"], "L3:0=7ff;1=7ff")
    box.running(with_rdt(box, closID="gold"), id="c2")
    told = stats(box, "c2")
    same({k: told[k] for k in counters(1)}, counters(1))


@test
def what_the_machine_has_not_is_left_out(box):
    Resctrl(box, l3=0, l2=8, mb=0, mon=0)
    box.running(with_rdt(box, schemata=["L2:0=f"]))
    same(stats(box), {"schemata": ["L2:0=f;1=ff"]})


@test
def a_counter_that_cannot_be_read_now_is_0(box):
    Resctrl(box, unavailable=1, domains=1)
    box.running(with_rdt(box))
    told = stats(box)
    same(told["mbm_stats"], [{"mbm_total_bytes": 0, "mbm_local_bytes": 0}])
    same(told["cmt_stats"], [{"llc_occupancy": 0}])


@test
def caches_are_in_the_order_of_their_numbers(box):
    """Which may have gaps."""
    r = Resctrl(box, domains=3, apart=60)
    same(r.schemata()["L3"], "0=7ff;60=7ff;120=7ff")
    box.running(with_rdt(box, l3CacheSchema="L3:120=f"))
    told = stats(box)
    same(told["l3_cache_schema"], "L3:0=7ff;60=7ff;120=f")
    same([c["llc_occupancy"] for c in told["cmt_stats"]], [1000001, 1060001, 1120001])


@test
def older_kernels_lines_are_told_as_they_are(box):
    Resctrl(box, old=1, domains=1)
    box.running(with_rdt(box, l3CacheSchema="L3:0=f", memBwSchema="MB:0=50"))
    same(stats(box)["schemata"], ["MB:0= 50", "L3:0=00f"])


@test
def a_class_that_is_gone_is_left_out(box):
    r = Resctrl(box)
    box.running(with_rdt(box))
    r.remove("c1")
    assert set(stats(box)) == set(MACHINE)


@test
def without_resctrl_there_is_nothing_to_tell_any_more(box):
    r = Resctrl(box)
    box.running(with_rdt(box))
    host.detach(r.point)
    same(stats(box), {})


@test
def without_the_section_there_is_nothing_to_tell(box):
    Resctrl(box)
    box.running("sleep 100")
    same(stats(box), {})
