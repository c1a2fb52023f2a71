// SPDX-License-Identifier: MIT
// websocket_ws.js - the server of websocket_weir.c on the module ws: `node websocket_ws.js PORT MODE`.
"use strict";
const { WebSocketServer } = require("ws");

const [port, mode] = process.argv.slice(2);
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), perMessageDeflate: false });

server.on("connection", (client) => {
  client.on("message", (message) => {
    if (mode === "echo") client.send(message, { binary: true });
    else for (const other of server.clients) other.send(message, { binary: true });
  });
});
