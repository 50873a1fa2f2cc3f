package events

import (
	"errors"
)

// A PushIdentity identifies the sender of accepted push requests: Pub/Sub adds a token of the subscription's service
// account. The zero value accepts every request, for one machine. Source:
// https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
type PushIdentity struct {
	Audience string `env:"PUSH_AUDIENCE" meaning:"required audience of the token of a push; none: not checked"`
	Sender   string `env:"PUSH_SENDER" meaning:"email address of the service account of pushes"`
}

// Checked reports whether requests are checked.
func (p PushIdentity) Checked() bool { return p != (PushIdentity{}) }

// Validate reports an error if only one field is set.
func (p PushIdentity) Validate() error {
	switch {
	case p.Checked() && p.Sender == "":
		return errors.New("PUSH_SENDER: it is not set, but PUSH_AUDIENCE is; give the subscriptions' service account")
	case p.Checked() && p.Audience == "":
		return errors.New("PUSH_AUDIENCE: it is not set, but PUSH_SENDER is; give the push subscriptions' audience")
	}
	return nil
}
