"""The environment variables that workers have."""

from __future__ import annotations

from harness.coordinator.processes.worker_environment import (
    ALLOCATOR,
    FIXED,
    TOKEN,
    facts,
    worker_environment,
)


def test_what_could_change_a_result_is_the_hosts(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "9")
    for name in (
        "MPLBACKEND", "PYTHONHASHSEED", "PYTHONIOENCODING", "PYTHONOPTIMIZE", "OMP_PROC_BIND",
        "MKL_CBWR", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "PYTORCH_CUDA_ALLOC_CONF",
        "NVIDIA_TF32_OVERRIDE", "ATEN_CPU_CAPABILITY", "CUBLAS_WORKSPACE_CONFIG",
    ):  # fmt: skip
        monkeypatch.setenv(name, "shell")
    environment = worker_environment(2, "token")
    assert "shell" not in environment.values()
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "2"
    assert environment["MPLBACKEND"] == "Agg"
    assert environment[TOKEN] == "token"


def test_what_says_where_things_lie_and_what_is_the_users_own_is_kept(monkeypatch):
    for name in ("PYTHONPATH", "TORCH_HOME", "MY_VARIABLE", "MALLOC_TRIM_THRESHOLD_"):
        monkeypatch.setenv(name, "shell")
    environment = worker_environment(1)
    assert {name for name, value in environment.items() if value == "shell"} >= {
        "PYTHONPATH", "TORCH_HOME", "MY_VARIABLE", "MALLOC_TRIM_THRESHOLD_",
    }  # fmt: skip


def test_it_is_told_what_was_fixed_removed_and_kept():
    shell = {
        "OMP_WAIT_POLICY": "active",
        "OMP_NUM_THREADS": "4",
        "HOME": "/h",
        "LD_PRELOAD": "x.so",
    }
    assert facts(shell) == {
        "fixed": FIXED | ALLOCATOR, "removed": ["OMP_WAIT_POLICY"], "kept": {"LD_PRELOAD": "x.so"},
    }  # fmt: skip


def test_the_allocator_is_the_users_where_the_shell_says_how(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")
    assert worker_environment(1)["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=0"
    said = facts({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"})
    assert said["kept"] == {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}
    assert "GLIBC_TUNABLES" not in said["fixed"]
    assert "MALLOC_TRIM_THRESHOLD_" in said["fixed"]


def test_an_isolated_worker_finds_no_packages_of_the_shells(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "shell")
    monkeypatch.setenv("MY_VARIABLE", "shell")
    environment = worker_environment(1, isolated=True)
    assert "PYTHONPATH" not in environment
    assert environment["MY_VARIABLE"] == "shell"
