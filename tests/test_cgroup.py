"""Limits of control groups, from files as the kernel shows them."""

from __future__ import annotations

import pytest

from harness import cgroup


@pytest.fixture
def kernel(tmp_path):
    """A root with these files; a folder comes before its file's name."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


V2 = "sys__fs__cgroup__"


def test_version_2_the_lowest_on_the_way_to_the_root_counts(kernel):
    root = kernel(**{
        "proc__self__cgroup": "0::/job/step\n",
        V2 + "job__cpu_DOT_max": "150000 100000\n",
        V2 + "job__memory_DOT_max": "1000\n",
        V2 + "job__memory_DOT_current": "300\n",
        V2 + "job__step__cpu_DOT_max": "max 100000\n",
        V2 + "job__step__memory_DOT_max": "max\n",
    })  # fmt: skip
    assert cgroup.cores(root) == 1.5
    assert cgroup.memory_bytes(root) == 1000
    assert cgroup.free_bytes(root) == 700


def test_version_1_has_a_folder_for_each_controller(kernel):
    root = kernel(**{
        "proc__self__cgroup": "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n2:pids:/\n",
        V2 + "cpu__cpu_DOT_cfs_quota_us": "200000\n",
        V2 + "cpu__cpu_DOT_cfs_period_us": "100000\n",
        V2 + "memory__memory_DOT_limit_in_bytes": "5000\n",
        V2 + "memory__memory_DOT_usage_in_bytes": "6000\n",
    })  # fmt: skip
    assert cgroup.cores(root) == 2
    assert cgroup.memory_bytes(root) == 5000
    assert cgroup.free_bytes(root) == 0


def test_pages_of_files_that_were_read_once_count_as_free(kernel):
    root = kernel(**{
        "proc__self__cgroup": "4:memory:/x\n0::/job\n",
        V2 + "job__memory_DOT_max": "1000\n",
        V2 + "job__memory_DOT_current": "900\n",
        V2 + "job__memory_DOT_stat": "anon 100\nfile 800\nactive_file 100\ninactive_file 700\n",
    })  # fmt: skip
    assert cgroup.free_bytes(root) == 800
    kernel(**{
        V2 + "memory__x__memory_DOT_limit_in_bytes": "500\n",
        V2 + "memory__x__memory_DOT_usage_in_bytes": "450\n",
        V2 + "memory__x__memory_DOT_stat": "inactive_file 1\ntotal_inactive_file 200\n",
    })  # fmt: skip
    assert cgroup.free_bytes(root) == 250


def test_without_a_limit_there_is_none(kernel):
    root = kernel(**{
        "proc__self__cgroup": "4:memory:/\n3:cpu,cpuacct:/\n0::/\n",
        V2 + "cpu__cpu_DOT_cfs_quota_us": "-1\n",
        V2 + "cpu__cpu_DOT_cfs_period_us": "100000\n",
        V2 + "memory__memory_DOT_limit_in_bytes": "9223372036854771712\n",
        V2 + "cpu_DOT_max": "max 100000\n",
    })  # fmt: skip
    assert cgroup.cores(root) is None
    assert cgroup.memory_bytes(root) is None
    assert cgroup.free_bytes(root) is None


def test_where_the_kernel_tells_nothing_there_is_none(tmp_path):
    assert cgroup.cores(tmp_path) is None
    assert cgroup.memory_bytes(tmp_path) is None
