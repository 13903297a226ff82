// Required before Frappe's socket.io, which listens on every address: the tests' own is for this machine alone.
const { Server } = require("node:net");

const { listen } = Server.prototype;
Server.prototype.listen = function (port, ...rest) {
	return listen.call(this, { port: Number(port), host: "127.0.0.1" }, ...rest);
};
