// Package kinds opens a scorer by the name of its kind.
package kinds

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/gpu"
)

// The kinds of scorer.
const (
	Embedded = "embedded" // lies in the binary
	GPU      = "gpu"      // the released models, served by a sidecar
)

// Config says where scorers are that do not lie in the binary. It is no part of a run.
type Config struct {
	// GPU is the address of the sidecar: a URL, or scorer=URL,styler=URL for one sidecar each.
	GPU string `env:"GPU_SIDECAR" json:"gpu,omitempty"`
}

// Validate tells whether the addresses can be read. The error names the variable.
func (c Config) Validate() error {
	if c.GPU == "" {
		return nil
	}
	if _, err := gpu.ParseAddress(c.GPU); err != nil {
		return fmt.Errorf("GPU_SIDECAR: %w", err)
	}
	return nil
}

// Choose reads a person's choice of a scorer: the name of a kind, or `gpu:` and the sidecar's address,
// which then replaces the one in the Config.
func (c Config) Choose(choice string) (kind string, _ Config, err error) {
	kind, address, given := strings.Cut(choice, ":")
	switch {
	case kind == Embedded && !given:
	case kind == GPU:
		if given {
			c.GPU = address
		}
		if c.GPU == "" {
			return "", c, errNoAddress
		}
		if _, err := gpu.ParseAddress(c.GPU); err != nil {
			return "", c, err
		}
	default:
		return "", c, errNoKind
	}
	return kind, c, nil
}

var (
	errNoAddress = errors.New("it is not known where the sidecar is: give --scorer gpu:URL, or set GPU_SIDECAR")
	errNoKind    = fmt.Errorf("there is no such kind; the kinds are %s and %s", Embedded, GPU)
)

// An Opener opens scorers. It is safe for concurrent use; a process should have one.
type Opener struct{ sidecar *gpu.Sidecar }

// New makes an Opener. waiting, if not nil, is told why a scorer is waited for.
func New(c Config, waiting func(error)) (*Opener, error) {
	if c.GPU == "" {
		return &Opener{}, nil
	}
	at, err := gpu.ParseAddress(c.GPU)
	if err != nil {
		return nil, fmt.Errorf("GPU_SIDECAR: %w", err)
	}
	return &Opener{gpu.New(at, gpu.Options{Waiting: waiting})}, nil
}

// Open gives the scorer of a kind for a rubric, as it is now. It waits for one that is starting. The error is a
// scorer.ErrUnavailable if the same call may succeed later.
func (o *Opener) Open(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
	switch {
	case kind == Embedded:
		s, err := embedded.New(r)
		if err != nil {
			return nil, err
		}
		return s, nil
	case kind == GPU && o.sidecar == nil:
		return nil, errNoAddress
	case kind == GPU:
		return o.sidecar.Open(ctx, r)
	case strings.HasPrefix(kind, GPU+":"):
		return nil, errors.New("a dataset names only the kind, gpu: the service's GPU_SIDECAR says where the sidecar is")
	default:
		return nil, errNoKind
	}
}
