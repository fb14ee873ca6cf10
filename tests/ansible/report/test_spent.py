"""How long each task took."""

from __future__ import annotations

from gramex_report.spent import SHOWN, Spent


def test_the_slowest_tasks_come_first() -> None:
    spent = Spent()
    for number, seconds in enumerate((1.0, 0.01, 8.0, 2.0, 0.5, 0.4, 0.3, 0.2)):
        spent.begin(f"task {number}", "web1", 100.0)
        spent.end(f"task {number}", "web1", 100.0 + seconds, f"Task {number}")
    assert spent.line() == "Slowest: Task 2 8.0 s, Task 3 2.0 s, Task 0 1.0 s, Task 4 0.5 s, Task 5 0.4 s"
    assert spent.line().count(" s") == SHOWN


def test_hosts_that_work_at_once_count_once_and_steps_add_up() -> None:
    spent = Spent()
    spent.begin("Deploy", "web1", 0.0)
    spent.begin("Deploy", "web2", 1.0)
    spent.end("Deploy", "web1", 3.0, "Deploy it")
    spent.end("Deploy", "web2", 4.0, "Deploy it")
    spent.begin("Deploy", "web3", 10.0)  # a later step
    spent.end("Deploy", "web3", 12.0, "Deploy it")
    spent.begin("Check", "web1", 20.0)
    spent.end("Check", "web1", 21.0, "Check it")
    spent.end("Check", "web2", 30.0, "Check it")  # never began
    assert spent.line() == "Slowest: Deploy it 6.0 s, Check it 1.0 s"


def test_one_task_alone_is_not_compared() -> None:
    spent = Spent()
    assert spent.line() == ""
    spent.begin("Look", "web1", 0.0)
    spent.end("Look", "web1", 3.0, "Look it")
    assert spent.line() == ""
