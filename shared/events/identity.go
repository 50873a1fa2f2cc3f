package events

import (
	"errors"
)

// A PushIdentity says whose push requests are accepted: Pub/Sub adds a token of the subscription's service account. The
// zero value accepts all, for one machine.
// Source: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
type PushIdentity struct {
	Audience string `env:"PUSH_AUDIENCE" meaning:"audience that the token of a push must have; none: it is not checked"`
	Sender   string `env:"PUSH_SENDER" meaning:"email address of the service account that pushes must come from"`
}

// Checked reports whether requests are checked at all.
func (p PushIdentity) Checked() bool { return p != (PushIdentity{}) }

// Validate reports whether half of the identity is missing.
func (p PushIdentity) Validate() error {
	switch {
	case p.Checked() && p.Sender == "":
		return errors.New("PUSH_SENDER: it is missing, and PUSH_AUDIENCE is given; give the subscriptions' service account")
	case p.Checked() && p.Audience == "":
		return errors.New("PUSH_AUDIENCE: it is missing, and PUSH_SENDER is given; give the push subscriptions' audience")
	}
	return nil
}
