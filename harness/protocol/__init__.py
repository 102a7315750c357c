"""The messages between coordinator and worker: one JSON object a line.

The coordinator writes requests to the worker's standard input, the worker answers with events on
what was its standard output (its prints go to the log instead). A request is answered by any number
of `Progress` events and exactly one other event; `Failed` may take the place of any answer.
"""
