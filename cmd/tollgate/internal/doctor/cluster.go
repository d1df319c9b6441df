package doctor

import (
	"net/netip"
	"strings"
)

// examineCluster looks at the cluster that the filter asks.
func (f *Front) examineCluster(r report, config tree) {
	name := config.at("grpc_service", "envoy_grpc", "cluster_name").text()
	if name == "" {
		return // google_grpc, or no gRPC service, which is reported elsewhere
	}
	cluster, ok := f.clusters[name]
	if !ok {
		r.add("no_cluster", Problem, "cluster "+name+" is not there", "add it, or correct grpc_service.envoy_grpc.cluster_name")
		return
	}
	r = r.at("cluster " + name)
	if !speaksHTTP2(cluster) {
		r.add("no_http2", Problem, "the cluster speaks HTTP/1.1: gRPC needs HTTP/2",
			"set explicit_http_config: {http2_protocol_options: {}}; in Kubernetes name the port grpc-… or give it appProtocol: grpc")
	}
	if len(cluster.at("circuit_breakers", "thresholds").list()) == 0 {
		r.add("circuit_breakers", Warning, "more than 1,024 checks at once are refused by Envoy", "raise max_requests and max_pending_requests of circuit_breakers")
	}
	if len(cluster.at("health_checks").list()) == 0 {
		r.add("health_checks", Advice, "an endpoint that drains is asked until it is gone", "add health_checks with grpc_health_check: {}")
	}
	if strings.Contains(cluster.at("lb_policy").text(), "RING_HASH") || cluster.at("lb_policy").text() == "MAGLEV" {
		r.add("lb_policy", Advice, "hashing gives checks no affinity: Envoy has no hash for them", "use ROUND_ROBIN or LEAST_REQUEST")
	}
	if !cluster.at("transport_socket").there() && len(cluster.at("transport_socket_matches").list()) == 0 {
		for _, address := range remoteAddresses(cluster) {
			r.add("plaintext", Warning, "tokens travel to "+address+" without TLS", "give the cluster a transport_socket with TLS, or a socket on this machine")
		}
	}
}

func speaksHTTP2(cluster tree) bool {
	if cluster.at("http2_protocol_options").there() {
		return true
	}
	found := false
	for _, options := range cluster.at("typed_extension_protocol_options").members() {
		found = found || options.at("explicit_http_config", "http2_protocol_options").there() ||
			options.at("use_downstream_protocol_config", "http2_protocol_options").there() ||
			options.at("auto_config").there()
	}
	return found
}

// remoteAddresses are the endpoints of a cluster that are not on this machine.
func remoteAddresses(cluster tree) []string {
	var remote []string
	cluster.at("load_assignment").each(func(t tree) {
		host := t.at("socket_address", "address").text()
		if host == "" || host == "localhost" {
			return
		}
		if address, err := netip.ParseAddr(host); err == nil && address.IsLoopback() {
			return
		}
		remote = append(remote, host)
	})
	return remote
}
