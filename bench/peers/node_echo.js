// SPDX-License-Identifier: MIT
// node_echo.js - Node.js as its documentation shows: `node node_echo.js PORT MODE`. Modes: echo, broadcast, udp.
'use strict';
const [, , port, mode] = process.argv;

if (mode === 'udp') {
    const socket = require('dgram').createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
    socket.bind(Number(port), '127.0.0.1');
} else {
    const members = new Set();
    const server = require('net').createServer({ noDelay: true }, (socket) => {
        socket.on('error', () => {});
        if (mode === 'broadcast') {
            members.add(socket);
            socket.on('close', () => members.delete(socket));
            socket.on('data', (bytes) => { for (const member of members) member.write(bytes); });
        } else {
            socket.on('data', (bytes) => socket.write(bytes));
        }
    });
    server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
}
