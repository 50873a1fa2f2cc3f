package scorer

import "context"

// A Wait is that a scorer cannot be asked now: it is starting, full or away.
type Wait struct {
	Why error
	// Advice is what a person does where it lasts, in a sentence; empty where nothing is known.
	Advice string
}

type waitsKey struct{}

// WithWaits is a context in which what waits for a scorer reports that. report is called before every pause, from
// several goroutines.
func WithWaits(ctx context.Context, report func(context.Context, Wait)) context.Context {
	return context.WithValue(ctx, waitsKey{}, report)
}

// ReportWait reports a wait to what asked for that with WithWaits, if anything did.
func ReportWait(ctx context.Context, w Wait) {
	if report, ok := ctx.Value(waitsKey{}).(func(context.Context, Wait)); ok {
		report(ctx, w)
	}
}
