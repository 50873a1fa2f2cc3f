// Package gpu rates samples by the released models mmssr-7b-scorer and mmssr-7b-styler, which one or two GPU sidecars
// serve (folder sidecar/). It sends each sample's images and prompts to the sidecars in batches, and reads ratings,
// expected scores and styles from the answers.
//
// Images are sent as they are stored. Like the reference code, the sidecar drops transparency without compositing, so
// the colours of transparent pixels are part of the model's input. It does not apply EXIF rotation.
package gpu

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

// version is the version of the code that makes prompts and reads answers. Raise it with every change that can change a
// rating or a style.
const version = "1"

const (
	// stylerTokens is enough for an answer with all nine styles of the default rubric, about 40 tokens.
	stylerTokens = 64
	// maxStylerTokens is the largest length of an answer for a rubric with many styles.
	maxStylerTokens = 256
)

// Advice is a text for users on what to do if a sidecar does not answer for a long time.
const Advice = "Nothing is lost: scoring continues by itself as soon as the sidecar answers. Loading its models " +
	"takes some minutes. If the wait lasts longer, read the sidecar's log, call its /healthz, and check GPU_SIDECAR."

// Options are the options of a Sidecar. The zero value has the defaults.
type Options struct {
	Client  *http.Client  // http.DefaultClient if nil
	Timeout time.Duration // time limit of one request; 300 s if 0
	Token   string        // bearer token for every sidecar; empty to send no token
	Retry   remote.Retry
}

// A Sidecar is a client of the sidecars of an address. It is safe for concurrent use. A process should have only one
// Sidecar for an address, because a Sidecar counts the requests in flight.
type Sidecar struct {
	scorer, styler *replicas // equal if each sidecar has both models
}

// New returns a Sidecar for an address. It makes no request.
func New(at Address, o Options) *Sidecar {
	o.Client = cmp.Or(o.Client, http.DefaultClient)
	o.Timeout = cmp.Or(o.Timeout, 300*time.Second)
	o.Retry = o.Retry.WithDefaults()
	s := &Sidecar{scorer: newReplicas(at.Scorer, o)}
	s.styler = s.scorer
	if !at.Together() {
		s.styler = newReplicas(at.Styler, o)
	}
	return s
}

// A Scorer rates samples by the models that the sidecar had when the Scorer was opened. It is safe for concurrent use.
type Scorer struct {
	id       string
	rubric   *rubric.Rubric
	backends []*backend // one for both models, or one for ratings and one for styles
}

var _ scorer.Sender = (*Scorer)(nil)

// Open waits until the sidecar is ready, and returns a scorer for a rubric with the sidecar's current models. The error
// is a scorer.ErrUnavailable, except if the rubric has more queries than the sidecar accepts.
func (s *Sidecar) Open(ctx context.Context, r *rubric.Rubric) (*Scorer, error) {
	var ratings []query
	for _, c := range r.Capabilities {
		ratings = append(ratings, query{Model: scorerModel, Text: r.ScorerQuery(c), Choices: digits[:]})
	}
	tokens := min(max(stylerTokens, len(strings.Join(r.Styles, ", "))/3), maxStylerTokens)
	styles := query{Model: stylerModel, Text: r.StylerQuery(), MaxTokens: tokens}

	queries := map[*replicas][]query{s.scorer: ratings}
	queries[s.styler] = append(queries[s.styler], styles)
	kinds := []*replicas{s.scorer}
	if s.styler != s.scorer {
		kinds = append(kinds, s.styler)
	}
	opened := &Scorer{rubric: r}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n%d\n", version, r.Hash(), tokens)
	for _, p := range kinds {
		b, err := openBackend(ctx, p, queries[p])
		if err != nil {
			return nil, err
		}
		opened.backends = append(opened.backends, b)
	}
	// The id has the models in a fixed order, so that it is equal for one sidecar with both models and for two sidecars.
	first, last := opened.backends[0], opened.backends[len(opened.backends)-1]
	fmt.Fprintf(hash, "%s\n%s\n", first.models[scorerModel], last.models[stylerModel])
	opened.id = "gpu-" + hex.EncodeToString(hash.Sum(nil)[:6])
	return opened, nil
}

// ID returns "gpu-" and 12 hex digits of a hash of the models' ids, the rubric and the version of this package.
func (s *Scorer) ID() string { return s.id }

// Bodies implements scorer.Sender. There is one body for each backend.
func (s *Scorer) Bodies() int { return len(s.backends) }

// Rate rates the items. It waits for a sidecar that is starting, is full or cannot be reached. The error is transient.
func (s *Scorer) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	prefixes := make([]prefix, len(items))
	for i, it := range items {
		prefixes[i] = s.rubric.TranscriptPieces(it.Sample.Pieces())
	}
	scored := make([][]sampleAnswers, len(s.backends))
	group, ctx := errgroup.WithContext(ctx)
	for n, b := range s.backends {
		group.Go(func() (err error) {
			scored[n], err = b.score(ctx, prefixes, items)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("rating %d samples: %w", len(items), err)
	}
	results := make([]scorer.Result, len(items))
	for i := range items {
		var all sampleAnswers
		for n := range scored {
			all.join(scored[n][i])
		}
		results[i] = s.result(all)
	}
	return results, nil
}

// digits has the possible ratings as the model writes them. Each is one token.
var digits = func() (d [scorer.MaxRating + 1]string) {
	for i := range d {
		d[i] = strconv.Itoa(i)
	}
	return d
}()
