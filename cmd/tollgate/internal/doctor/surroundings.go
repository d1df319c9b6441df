package doctor

import (
	"slices"
	"strings"
)

// examine looks at what surrounds the filter in its connection manager.
func (m manager) examine(r report) {
	m.examineOrder(r)
	m.examinePaths(r)
	m.examineHeaders(r)
	for _, upgrade := range m.config.at("upgrade_configs").list() {
		if strings.EqualFold(upgrade.at("upgrade_type").text(), "CONNECT") {
			r.add("connect", Warning, "CONNECT requests reach the filter: they have no path, and Envoy up to 1.38 ends when an answer changes their query",
				"leave CONNECT out, or run Envoy 1.39 or newer")
		}
	}
}

// usesDecision are filters that build on what the check found out, by message.
var usesDecision = map[string]string{
	"RBAC": "it sees no metadata of the decision", "RateLimit": "it counts requests that are refused, without their subject",
	"LocalRateLimit": "it counts requests without their subject",
}

// changesRequest are filters that may change what was decided on.
var changesRequest = []string{"Lua", "HeaderMutation", "ExternalProcessor", "Wasm", "golang.v3alpha.Config"}

// examineOrder: who builds on the decision comes later, who changes the request
// comes earlier.
func (m manager) examineOrder(r report) {
	ours := slices.IndexFunc(m.filters, filter.asksUs)
	for i, f := range m.filters {
		for message, why := range usesDecision {
			if i < ours && f.config.is(message) && !shadow(f) {
				r.add("filter_order", Warning, "filter "+f.name+" runs before ext_authz: "+why, "move it after ext_authz")
			}
		}
		if i > ours && !f.disabled && slices.ContainsFunc(changesRequest, f.config.is) {
			r.add("filter_after", Warning, "filter "+f.name+" runs after ext_authz and may change the path, the method or identity headers that were decided on",
				"move it before ext_authz, or make sure that it leaves them alone")
		}
	}
}

// shadow says whether an RBAC filter only prepares metadata, as Istio's does in
// front of a CUSTOM policy.
func shadow(f filter) bool {
	return f.config.at("shadow_rules").there() && !f.config.at("rules").there()
}

func (m manager) examinePaths(r report) {
	var missing []string
	for _, name := range []string{"normalize_path", "merge_slashes"} {
		if !m.config.at(name).yes() {
			missing = append(missing, name+": true")
		}
	}
	switch m.config.at("path_with_escaped_slashes_action").text() {
	case "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD":
	default:
		missing = append(missing, "path_with_escaped_slashes_action: REJECT_REQUEST")
	}
	if len(missing) > 0 {
		r.add("paths", Advice, "paths with dot segments, double or encoded slashes reach the service, which refuses them as request_malformed",
			"set "+strings.Join(missing, ", "))
	}
	if !m.config.at("strip_any_host_port").yes() && m.config.at("strip_port_mode").value == nil {
		r.add("host_port", Advice, "routes see the host with its port and the service decides without it", "set strip_any_host_port: true")
	}
}

// examineHeaders looks for identity headers that a client could send itself. On
// checked requests the service removes them; on others only the front can.
func (m manager) examineHeaders(r report) {
	if action := m.config.at("common_http_protocol_options", "headers_with_underscores_action").text(); action != "REJECT_REQUEST" && action != "DROP_HEADER" {
		r.add("underscores", Warning, "x-tollgate_subject passes beside x-tollgate-subject, and some upstreams read both as one",
			"set common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}")
	}
	early := false
	for _, extension := range m.config.at("early_header_mutation_extensions").list() {
		extension.each(func(t tree) {
			early = early || t.at("remove_on_match", "key_matcher", "prefix").text() == "x-tollgate-"
		})
	}
	if !early {
		r.add("spoofable_headers", Warning, "clients can send x-tollgate-… headers on routes that are not checked",
			"remove the prefix x-tollgate- in early_header_mutation_extensions, as `tollgate envoy print edge` does")
	}
	if !m.config.at("use_remote_address").yes() && m.config.at("xff_num_trusted_hops").value == nil && len(m.config.at("original_ip_detection_extensions").list()) == 0 {
		r.add("remote_address", Advice, "the client address is taken from headers that clients can write",
			"set use_remote_address: true at the edge; behind another proxy leave it as it is")
	}
}
