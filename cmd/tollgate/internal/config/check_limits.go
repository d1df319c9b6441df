package config

import "fmt"

// quotas checks what the engine, which knows defaults only, cannot see: that a
// calendar is read in a zone somebody has thought about.
func (c *checker) quotas(list []Policy) {
	for i := range list {
		q := list[i].Quota
		if q != nil && q.Anchor == "calendar" && q.Zone == "" {
			c.fault(fmt.Sprintf("/policies/%d/quota", i), "a calendar quota has no zone", "add zone: UTC, or a name such as Europe/Vienna")
		}
	}
}
