package main

import (
	"net"
	"strings"
)

func bootstrap(gate, upstream string) (string, error) {
	gh, gp, _ := net.SplitHostPort(gate)
	uh, up, _ := net.SplitHostPort(upstream)
	return strings.NewReplacer("GATEHOST", gh, "GATEPORT", gp, "UPHOST", uh, "UPPORT", up).Replace(tmpBootstrap), nil
}

const tmpBootstrap = `
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: edge
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: edge
          use_remote_address: true
          normalize_path: true
          merge_slashes: true
          path_with_escaped_slashes_action: REJECT_REQUEST
          strip_any_host_port: true
          strip_trailing_host_dot: true
          common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST, max_headers_count: 100 }
          early_header_mutation_extensions:
          - name: envoy.http.early_header_mutation.header_mutation
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation
              mutations: [ { remove_on_match: { key_matcher: { prefix: x-tollgate- } } }, { remove: x-envoy-auth-failure-mode-allowed } ]
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: upstream}}]}
          http_filters:
          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              transport_api_version: V3
              grpc_service:
                timeout: 0.5s
                envoy_grpc: { cluster_name: tollgate, authority: tollgate }
                retry_policy: { retry_on: "unavailable,connect-failure,refused-stream,reset", num_retries: 2, retry_back_off: { base_interval: 0.005s, max_interval: 0.05s } }
              failure_mode_allow: false
              status_on_error: { code: ServiceUnavailable }
              encode_raw_headers: true
              validate_mutations: true
              decoder_header_mutation_rules: { disallow_is_error: true, disallow_expression: { regex: "(host|content-length|transfer-encoding|connection|te|upgrade|:method|:authority|:scheme|)" } }
              emit_filter_state_stats: true
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
  - name: upstream
    type: STATIC
    load_assignment: { cluster_name: upstream, endpoints: [ { lb_endpoints: [ { endpoint: { address: { socket_address: { address: UPHOST, port_value: UPPORT } } } } ] } ] }
  - name: tollgate
    type: STATIC
    connect_timeout: 0.25s
    common_lb_config: { update_merge_window: 0s }
    circuit_breakers: { thresholds: [ { max_pending_requests: 8192, max_requests: 8192, max_retries: 256 } ] }
    health_checks: [ { timeout: 1s, interval: 1s, no_traffic_interval: 1s, unhealthy_threshold: 2, healthy_threshold: 1, grpc_health_check: {} } ]
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: { connection_keepalive: { interval: 30s, timeout: 5s } } }
    load_assignment: { cluster_name: tollgate, endpoints: [ { lb_endpoints: [ { endpoint: { address: { socket_address: { address: GATEHOST, port_value: GATEPORT } } } } ] } ] }
`
