package tyk

// settings are what tyk.conf says about how the other files are read.
type settings struct {
	at       value
	prefix   value
	suffix   value
	function value
	hashed   value
}

// readConf reads a tyk.conf.
func readConf(v value) settings {
	confShape(v)
	s := settings{
		at: v, prefix: v.get("http_server_options", "enable_path_prefix_matching"), suffix: v.get("http_server_options", "enable_path_suffix_matching"),
		function: v.get("hash_key_function"), hashed: v.get("hash_keys"),
	}
	for _, name := range []string{"jwt_ssl_insecure_skip_verify"} {
		if f := v.get(name); f.there() && f.flag() {
			f.note("tls-skip", "certificates of key servers are verified all the same", "ca of the key source in a native file")
		}
	}
	if m := v.get("override_messages"); len(m.members()) > 0 {
		m.note("override-messages", "texts of errors are not replaced", "")
	}
	if m := v.get("allow_master_keys"); m.there() && m.flag() {
		m.note("master-keys", "a key without rights opens nothing", "access_rights or policies for each key")
	}
	for _, name := range []string{
		"enable_redis_rolling_limiter", "enable_sentinel_rate_limiter", "drl_enable_sentinel_rate_limiter",
		"enable_fixed_window_rate_limiter", "enable_rate_limit_smoothing",
	} {
		if f := v.get(name); f.there() && f.flag() {
			f.note("limiter", "rates are counted exactly, in windows that begin with their first request, and refused requests do not count", "algorithm in a native policy")
		}
	}
	return s
}

// legacy says whether paths are read by unanchored search.
func (s settings) legacy() bool { return !s.prefix.flag() || !s.suffix.flag() }
