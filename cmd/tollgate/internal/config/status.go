package config

import (
	"time"
)

// Trigger is why a configuration was read.
type Trigger string

// The triggers.
const (
	TriggerStart  Trigger = "start"
	TriggerFile   Trigger = "file"   // a file changed
	TriggerRetry  Trigger = "retry"  // a value could not be had before
	TriggerSignal Trigger = "signal" // SIGHUP
	TriggerAdmin  Trigger = "admin"  // the admin API
)

// Attempt is one reading of the configuration.
type Attempt struct {
	Trigger    Trigger   `json:"trigger"`
	At         time.Time `json:"at"`
	Hash       string    `json:"hash"`                 // of the files; "" when they could not be read
	Generation uint64    `json:"generation,omitempty"` // of the snapshot; 0 when nothing was applied
	Problems   []Problem `json:"problems,omitempty"`   // warnings too
}

// OK says whether the attempt was applied.
func (a Attempt) OK() bool { return a.Generation > 0 && !Broken(a.Problems) }

// Status is the state of reloading. It is not changed any more.
type Status struct {
	Attempted Attempt `json:"attempted"` // the last one
	Applied   Attempt `json:"applied"`   // the one in force
	// Restart names what the file says now and only a restart can bring in force.
	Restart []string `json:"restart,omitempty"`
	Reloads uint64   `json:"reloads"` // attempts after the start
	Failed  uint64   `json:"failed"`  // those that were not applied
}
