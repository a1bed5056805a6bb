// Where connections of TCP and UDP services go.
//
// The controller writes the services' endpoints to one listener, as a line of JSON
// [{"name": ..., "endpoints": [{"address": ..., "port": ...}]}], whenever they change. They are kept in a
// zone that the workers share, one entry a service.

function address(endpoint) {
    const host = endpoint.address.includes(":") ? `[${endpoint.address}]` : endpoint.address;
    return `${host}:${endpoint.port}`;
}

function keep(text) {
    const peers = ngx.shared.l4_peers;
    const services = JSON.parse(text).filter(service => service.endpoints && service.endpoints.length);
    const names = services.map(service => service.name);
    services.forEach(service => peers.set(service.name, JSON.stringify(service.endpoints.map(address))));
    peers.keys().filter(name => !names.includes(name)).forEach(name => peers.delete(name));
}

// Everything must be read: the controller takes a closed connection for an error and begins again.
function receive(session) {
    let text = "";
    session.on("upload", (data, flags) => {
        text += data;
        if (!text.endsWith("\r\n") && !flags.last) {
            return;
        }
        session.off("upload");
        try {
            keep(text);
        } catch (problem) {
            session.error(`endpoints were not understood: ${problem.message}`);
        }
        session.done();
    });
}

function peer(session) {
    const name = session.variables.proxy_upstream_name;
    const peers = JSON.parse(ngx.shared.l4_peers.get(name) || "[]");
    if (!peers.length) {
        session.error(`${name} has no endpoints`);
        return "";
    }
    return peers[ngx.shared.l4_turns.incr(name, 1, 0) % peers.length];
}

export default { receive, peer };
