package scorer

import "context"

// A Wait describes why a scorer cannot rate now: it is starting, is full or cannot be reached.
type Wait struct {
	Why error
	// Advice is a text on what a person can do if the wait takes long; it may be empty.
	Advice string
}

type waitsKey struct{}

// WithWaits returns a context in which calls report that they wait for a scorer. They call report before every pause,
// possibly from several goroutines.
func WithWaits(ctx context.Context, report func(context.Context, Wait)) context.Context {
	return context.WithValue(ctx, waitsKey{}, report)
}

// ReportWait passes a wait to the function of WithWaits, if the context has one.
func ReportWait(ctx context.Context, w Wait) {
	if report, ok := ctx.Value(waitsKey{}).(func(context.Context, Wait)); ok {
		report(ctx, w)
	}
}
