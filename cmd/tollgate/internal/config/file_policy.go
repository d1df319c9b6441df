package config

// Policy is what its holder may do.
type Policy struct {
	ID     string `key:"id,required"`
	Active bool   `key:"active" default:"true"`
	// Scopes that the token must have for anything this policy grants.
	RequireScopes []string `key:"require_scopes"`
	// Absent, null or -1 requests: unlimited. 0: none allowed.
	Rate *Rate `key:"rate" feature:"rate"`
	// Absent, null or -1 requests: unlimited. 0: none allowed.
	Quota *Quota `key:"quota" feature:"quota"`
	// Every API that the policy grants counts apart.
	PerAPI bool `key:"per_api" default:"false"`
	// What is granted on each API, by the API's id.
	Access Map[Access] `key:"access"`
	// Facts for $meta.NAME.
	Meta Map[Loose] `key:"meta"`
	Tags []Value    `key:"tags"`
}

// Access is what a policy grants on one API. Nothing is implied.
type Access struct {
	// The word all, or a list of entries.
	Allow Allow `key:"allow"`
}

// Allow is everything, or a list of entries.
type Allow struct {
	All     bool
	Entries []AllowEntry
}

// AllowEntry grants methods on a path.
type AllowEntry struct {
	Methods []string `key:"methods,required"`
	// /a/b exact, /a/{id} one segment, /a/** anything below, regex:^…$ anchored.
	Path string `key:"path,required"`
	// Scopes that the token must have for this entry.
	RequireScopes []string `key:"require_scopes"`
	// A limit of this entry alone.
	Rate *Rate `key:"rate" feature:"rate"`
}

// Rate is a number of requests per time.
type Rate struct {
	Requests int64    `key:"requests,required" min:"-1"`
	Per      Duration `key:"per,required"`
	// How many may come at once; token_bucket only.
	Burst     int64  `key:"burst" min:"1" means:"requests"`
	Algorithm string `key:"algorithm" enum:"sliding_window token_bucket sliding_log fixed_window" means:"sliding_window"`
}

// Quota is a number of requests in a period.
type Quota struct {
	Requests int64    `key:"requests,required" min:"-1"`
	Per      Duration `key:"per,required"`
	// When the period begins.
	Anchor string `key:"anchor" enum:"first_request calendar" means:"first_request"`
	// The time zone of calendar periods, as UTC or Europe/Vienna. They must have one.
	Zone string `key:"zone"`
}
