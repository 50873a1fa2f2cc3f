package gpu

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A part of the questions is put to one sidecar.
type part struct {
	*client
	queries []query
	encoded json.RawMessage // the queries
	models  map[string]string
	limits  limits
}

// A finding is what sidecars said of one sample: answers in the order of queries, or the reason why there are none.
type finding struct {
	reason  string
	answers []answer
	flags   []string
}

func (f *finding) join(other finding) {
	if f.reason == "" {
		f.reason = other.reason
	}
	f.answers = append(f.answers, other.answers...)
	for _, flag := range other.flags {
		if !slices.Contains(f.flags, flag) {
			f.flags = append(f.flags, flag)
		}
	}
}

// open asks a sidecar for its models and limits.
func open(ctx context.Context, c *client, queries []query) (*part, error) {
	p := &part{client: c, queries: queries}
	var err error
	if p.encoded, err = encode(queries); err != nil {
		return nil, err
	}
	var m models
	err = c.hold(ctx, func() error {
		if err := c.call(ctx, http.MethodGet, "/v1/models", nil, &m); err != nil {
			return err
		}
		return c.call(ctx, http.MethodGet, "/v1/limits", nil, &p.limits)
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", scorer.ErrUnavailable, err)
	}
	p.models = map[string]string{}
	for _, q := range queries {
		id := m.Models[q.Model]
		if id == "" {
			return nil, fmt.Errorf("%w: the sidecar at %s has no %s, only %q: name another with scorer=URL,styler=URL, or start it with SIDECAR_MODELS=both",
				scorer.ErrUnavailable, c.base, q.Model, slices.Sorted(maps.Keys(m.Models)))
		}
		p.models[q.Model] = id
	}
	if p.limits.Items < 1 || p.limits.Bytes < envelope || p.limits.Queries < 1 {
		return nil, fmt.Errorf("%w: %w", scorer.ErrUnavailable, c.nonsense(fmt.Errorf("limits of %+v", p.limits)))
	}
	if len(queries) > p.limits.Queries {
		return nil, fmt.Errorf("the rubric asks %d questions, and the sidecar at %s takes %d: raise its SIDECAR_MAX_QUERIES, or ask for fewer capabilities",
			len(queries), c.base, p.limits.Queries)
	}
	return p, nil
}

// A sized item is one that fits a request.
type sized struct {
	item
	at   int // its position among all
	size int
}

// ask puts the part's questions about all samples, and gives a finding for each.
func (p *part) ask(ctx context.Context, texts []string, items []scorer.Item) ([]finding, error) {
	findings := make([]finding, len(items))
	var fitting []sized
	for i, it := range items {
		s := sized{item: item{Images: it.Images, Prefix: texts[i], Queries: p.encoded}, at: i}
		var err error
		if s.size, err = s.item.size(); err != nil {
			return nil, err
		}
		if s.size+envelope > p.limits.Bytes {
			findings[i].reason = p.tooLarge(s)
			continue
		}
		fitting = append(fitting, s)
	}
	group, ctx := errgroup.WithContext(ctx)
	// The client has places for as many as it likes to have in flight; more would only wait.
	group.SetLimit(inFlight)
	for _, batch := range p.batches(fitting) {
		group.Go(func() error {
			found, err := p.exchange(ctx, batch)
			for k, f := range found {
				findings[batch[k].at] = f
			}
			return err
		})
	}
	return findings, group.Wait()
}

func (p *part) tooLarge(s sized) string {
	return fmt.Sprintf("%s: the sample takes %d bytes with its images, and the sidecar takes at most %d at once; store its images smaller",
		images.TooLarge, s.size, min(p.limits.Bytes, s.size-1))
}

// read holds an answer against what was asked, and takes its findings.
func (p *part) read(r response, asked int) ([]finding, error) {
	for model, id := range p.models {
		if now := r.Models[model]; now != id {
			return nil, fmt.Errorf("the sidecar at %s has %s %q now, and had %q when it was opened", p.base, model, now, id)
		}
	}
	if len(r.Items) != asked {
		return nil, p.nonsense(fmt.Errorf("%d items of %d", len(r.Items), asked))
	}
	findings := make([]finding, asked)
	for i, o := range r.Items {
		if err := o.check(p.queries); err != nil {
			return nil, p.nonsense(fmt.Errorf("item %d: %w", i, err))
		}
		if o.Error == nil {
			findings[i] = finding{answers: o.Answers, flags: o.Flags}
			continue
		}
		if ofRubric[o.Error.Code] {
			return nil, fmt.Errorf("the sidecar at %s cannot answer the rubric's questions: %s: %s", p.base, o.Error.Code, o.Error.Detail)
		}
		findings[i].reason = reason(*o.Error)
	}
	return findings, nil
}

// ofRubric are the codes of items that are at fault for what every item of ours has: its queries.
var ofRubric = map[string]bool{
	"bad_query": true, "choice_not_a_token": true, "no_such_model": true, "too_many_queries": true, "too_many_new_tokens": true,
}

// reason words a sidecar's fault of a sample: first its kind, in the words that other scorers use for it.
func reason(f fault) string {
	kind, known := map[string]string{
		"image_count":       dataset.ImageCount,
		"image_undecodable": images.Undecodable,
		"image_too_large":   images.TooLarge,
	}[f.Code]
	if !known {
		kind = strings.ReplaceAll(f.Code, "_", " ")
	}
	return kind + ": " + f.Detail
}
