package tyk

import "time"

// duration reads a duration as Tyk's OAS definitions write it ("1h30m").
func duration(v value) time.Duration {
	text := v.text()
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		v.wrong("it is no duration", `"300s", "5m" or "1h30m"`)
		return 0
	}
	return d
}

// cacheTimeout reads how long a key set is kept: a duration in words, or seconds.
func cacheTimeout(v value) time.Duration {
	if !v.there() {
		return 0
	}
	if tag := v.node.ShortTag(); tag == "!!int" || tag == "!!float" {
		return time.Duration(v.seconds() * float64(time.Second))
	}
	return duration(v)
}
