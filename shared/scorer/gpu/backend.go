package gpu

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// A backend is a group of sidecars with the same models, and the queries that they answer about every sample.
type backend struct {
	*replicas
	queries []query
	encoded json.RawMessage   // the queries
	models  map[string]string // the id of each model that a query names
	limits  limits
}

// sampleAnswers has the answers about one sample, in the order of the queries. If there are no answers, fault is the
// reason.
type sampleAnswers struct {
	fault   *dataset.Fault
	answers []answer
	flags   []string
	again   bool // the sidecar stopped before it answered; send the sample again
}

// join appends the answers of another backend.
func (a *sampleAnswers) join(other sampleAnswers) {
	if a.fault == nil {
		a.fault = other.fault
	}
	a.answers = append(a.answers, other.answers...)
	for _, flag := range other.flags {
		if !slices.Contains(a.flags, flag) {
			a.flags = append(a.flags, flag)
		}
	}
}

// openBackend requests the models and limits of the sidecars, and returns a backend for the queries.
func openBackend(ctx context.Context, p *replicas, queries []query) (*backend, error) {
	b := &backend{replicas: p, queries: queries, models: map[string]string{}}
	var err error
	if b.encoded, err = encode(queries); err != nil {
		return nil, err
	}
	base := p.sidecars[0].base
	about, err := p.introduce(ctx)
	if err != nil {
		return nil, err
	}
	b.limits = about.limits
	for _, q := range queries {
		id := about.models.Models[q.Model]
		if id == "" {
			return nil, fmt.Errorf("%w: the sidecar at %s has no %s, only %q: "+
				"name another with scorer=URL,styler=URL, or start it with SIDECAR_MODELS=both",
				scorer.ErrUnavailable, base, q.Model, slices.Sorted(maps.Keys(about.models.Models)))
		}
		b.models[q.Model] = id
	}
	if len(queries) > b.limits.Queries {
		return nil, fmt.Errorf("the rubric needs %d queries for a sample, but the sidecar at %s accepts %d: "+
			"raise its SIDECAR_MAX_QUERIES, or use a rubric with fewer capabilities", len(queries), base, b.limits.Queries)
	}
	return b, nil
}

// score returns the answers about each sample. prefixes has the common prefix of each sample's prompts.
func (b *backend) score(ctx context.Context, prefixes []prefix, items []scorer.Item) ([]sampleAnswers, error) {
	all := make([]sampleAnswers, len(items))
	var fitting []batchItem
	for i, it := range items {
		s := batchItem{item: item{Images: it.RatedImages(), Prefix: prefixes[i], Queries: b.encoded}, at: i}
		var err error
		if s.size, err = s.item.size(); err != nil {
			return nil, err
		}
		if s.size+envelope > b.limits.Bytes {
			all[i].fault = b.tooLarge(s)
			continue
		}
		fitting = append(fitting, s)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(b.inFlight()) // more batches would only wait for a slot
	for _, batch := range b.batches(fitting) {
		group.Go(func() error {
			scored, err := b.scoreBatch(ctx, batch)
			for k, answers := range scored {
				all[batch[k].at] = answers
			}
			return err
		})
	}
	return all, group.Wait()
}

func (b *backend) tooLarge(s batchItem) *dataset.Fault {
	return &dataset.Fault{Code: images.TooLarge, Detail: fmt.Sprintf(
		"the sample has %d bytes with its images, but the sidecar accepts at most %d in a request; "+
			"make its images smaller", s.size, min(b.limits.Bytes, s.size-1))}
}

// read returns the answers of a response. It returns an error if the response does not have a valid answer for each
// item.
func (b *backend) read(from *client, r response, items int) ([]sampleAnswers, error) {
	for model, id := range b.models {
		if now := r.Models[model]; now != id {
			return nil, fmt.Errorf("the sidecar at %s now has the %s %q, but had %q when the scorer was opened: "+
				"start the sidecar with the earlier model, or start a new run", from.base, model, now, id)
		}
	}
	if len(r.Items) != items {
		return nil, from.invalid(fmt.Errorf("answers for %d items, but %d were sent", len(r.Items), items))
	}
	all := make([]sampleAnswers, items)
	for i, o := range r.Items {
		if err := o.check(b.queries); err != nil {
			return nil, from.invalid(fmt.Errorf("item %d: %w", i, err))
		}
		if o.Error == nil {
			all[i] = sampleAnswers{answers: o.Answers, flags: o.Flags}
			continue
		}
		if o.Error.Code == stopping {
			all[i].again = true
			continue
		}
		if queryErrors[o.Error.Code] {
			return nil, fmt.Errorf("the sidecar at %s cannot answer the rubric's questions: %s: %s",
				from.base, o.Error.Code, o.Error.Detail)
		}
		all[i].fault = faultOf(*o.Error)
	}
	return all, nil
}

// queryErrors are the codes of errors that the queries cause, so that every item has them.
var queryErrors = map[string]bool{
	"bad_query": true, "choice_not_a_token": true, "no_such_model": true, "too_many_queries": true,
	"too_many_new_tokens": true,
}

// These are the sidecar's codes for samples that it cannot rate. Package images defines the codes of images.
const (
	PromptTooLong reason.Code = "prompt_too_long"
	NotFinite     reason.Code = "not_finite"
)

// faultOf converts the sidecar's error about a sample to a fault with the same code.
func faultOf(e apiError) *dataset.Fault {
	return &dataset.Fault{Code: reason.Code(e.Code), Detail: e.Detail}
}
