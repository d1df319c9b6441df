package doctor

import "time"

// Timeouts of a check. Envoy's own default is 200 ms; Istio's is 600 s.
const (
	longTimeout    = 5 * time.Second
	endlessTimeout = time.Minute
)

// examineFilter looks at the ext_authz filter itself.
func examineFilter(r report, config tree) {
	if config.at("http_service").there() || !config.at("grpc_service").there() {
		r.add("no_grpc_service", Problem, "the filter does not ask a gRPC service", "set grpc_service: tollgate speaks gRPC alone")
		return
	}
	if version := config.at("transport_api_version").text(); version != "V3" {
		r.add("api_version", Problem, "transport_api_version is not V3", "set transport_api_version: V3")
	}
	examineFailure(r, config)
	examineScope(r, config)
	examineTimes(r, config.at("grpc_service"))
	examineMutations(r, config)
	if !config.at("encode_raw_headers").yes() {
		r.add("no_raw_headers", Warning, "header values are sent as text: bytes that are no UTF-8 arrive changed, and repeated headers arrive joined",
			"set encode_raw_headers: true")
	}
	if config.at("allowed_headers").there() || config.at("disallowed_headers").there() {
		r.add("hidden_headers", Warning, "some request headers are kept from the service: tokens, and identity headers to remove, may be among them",
			"leave allowed_headers and disallowed_headers out")
	}
}

func examineFailure(r report, config tree) {
	if config.at("failure_mode_allow").yes() {
		r.add("failure_mode_allow", Problem, "requests pass unchecked whenever the service cannot be asked", "set failure_mode_allow: false")
	}
	if config.at("shadow_mode").yes() {
		r.add("shadow_mode", Problem, "denials are not enforced", "leave shadow_mode out; `mode: observe` of an API is the safe way to try it out")
	}
	if code := config.at("status_on_error", "code").text(); code == "" || code == "Forbidden" {
		r.add("status_on_error", Advice, "clients read 403 when the service cannot be asked, as if they were refused",
			"set status_on_error: {code: ServiceUnavailable}")
	}
}

// examineScope looks for requests that the filter lets by without asking.
func examineScope(r report, config tree) {
	if share := config.at("filter_enabled", "default_value"); share.there() && !whole(share) {
		r.add("filter_enabled", Problem, "only a part of the requests is checked", "leave filter_enabled out, or say 100 of HUNDRED")
	}
	if config.at("filter_enabled_metadata").there() {
		r.add("filter_enabled_metadata", Warning, "requests are checked only when an earlier filter says so; in Istio: when a rule of the AuthorizationPolicy matches",
			"write the CUSTOM policy so that it matches every request that needs a check, and deny the rest")
	}
}

func whole(share tree) bool {
	of := map[string]float64{"": 100, "HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}
	return share.at("numerator").number() >= of[share.at("denominator").text()]
}

func examineTimes(r report, service tree) {
	timeout, set := service.at("timeout").duration()
	switch {
	case set && timeout == 0, timeout >= endlessTimeout:
		r.add("timeout", Problem, "a check may take "+service.at("timeout").text()+": one hung service holds every request (Istio's default is 600s)",
			"set timeout: 0.5s, in Istio timeout: 0.5s of the extension provider")
	case timeout >= longTimeout:
		r.add("timeout", Warning, "a check may take "+service.at("timeout").text(), "set timeout: 0.5s")
	}
	retry := service.at("retry_policy")
	if !retry.there() {
		r.add("no_retry", Advice, "a check that meets a closing connection is not tried again",
			"add retry_policy with retry_on unavailable,connect-failure,refused-stream,reset and a retry_back_off of some milliseconds")
	} else if !retry.at("retry_back_off").there() {
		r.add("retry_back_off", Warning, "retries wait up to a second each, longer than the whole check may take",
			"add retry_back_off: {base_interval: 0.005s, max_interval: 0.2s} to retry_policy")
	}
}

func examineMutations(r report, config tree) {
	rules := config.at("decoder_header_mutation_rules")
	validated := config.at("validate_mutations").yes()
	if !validated {
		r.add("no_validate_mutations", Warning, "values that hold a line end are not refused by Envoy: such an answer could be split",
			"set validate_mutations: true")
	}
	if rules.there() && !rules.at("disallow_is_error").yes() && !validated {
		r.add("empty_mutation_rules", Problem, "decoder_header_mutation_rules skip what they do not allow in silence, and the header of the client goes to the upstream in its place",
			"add disallow_is_error: true to the rules, and validate_mutations: true")
	}
	if !rules.there() {
		r.add("no_mutation_rules", Advice, "nothing keeps an answer from rewriting host, :method or framing headers",
			"set decoder_header_mutation_rules as `tollgate envoy print edge` does")
	}
}
