// Package kinds opens scorers of all kinds.
package kinds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/gpu"
	"github.com/harvest-ml/harvest/shared/scorer/llm"
	"github.com/harvest-ml/harvest/shared/scorer/remote"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// The kinds of scorer.
const (
	Embedded = scorer.Embedded // part of this program
	GPU      = scorer.GPU      // the released models, served by a sidecar
	LLM      = scorer.LLM      // any vision model with an OpenAI-compatible API
)

// Config has the URLs and settings of the scorers. It is not part of a run.
type Config struct {
	// GPU has the URLs of the sidecars: URL,URL,..., or scorer=URL,styler=URL for sidecars with one model each.
	GPU string `env:"GPU_SIDECAR" json:"gpu,omitempty" meaning:"URLs of the scorer gpu: URL,... or scorer=URL,styler=URL"`
	// GPUToken is a secret: the SIDECAR_TOKEN of sidecars that require a token.
	GPUToken string `env:"GPU_SIDECAR_TOKEN" json:"-" meaning:"bearer token of sidecars that require one"`
	// GPUAudience is the audience of the ID token for a sidecar that is a service on Cloud Run, which requires Google's ID
	// tokens. If GPUAudience is empty, no ID token is sent.
	GPUAudience string `env:"GPU_SIDECAR_AUDIENCE" json:"gpu_audience,omitempty" meaning:"ID token audience of a sidecar"`
	// LLM has the model of the scorer llm, its URL, and the limits of its use.
	LLM llm.Config `json:"llm,omitzero"`
	// Weights is the file of the embedded scorer's weights, as `harvest train` writes it, or gs://bucket/object. If it is
	// empty, the weights in the program are used.
	Weights string `env:"EMBEDDED_WEIGHTS" json:"weights,omitempty" meaning:"weights of embedded, a file or gs:// URL"`
}

// Validate checks the URLs and the limits. The error names the variables.
func (c Config) Validate() error {
	var sidecar error
	if c.GPU != "" {
		if _, err := gpu.ParseAddress(c.GPU); err != nil {
			sidecar = fmt.Errorf("GPU_SIDECAR: %w", err)
		}
	}
	if c.GPUToken != "" && c.GPUAudience != "" {
		sidecar = errors.Join(sidecar, errors.New("GPU_SIDECAR_TOKEN and GPU_SIDECAR_AUDIENCE: a request has one token; "+
			"set one of them"))
	}
	return errors.Join(sidecar, c.LLM.Validate())
}

// At returns the configuration with the URLs, weights, model and mode of other, a run's configuration, if other has
// them. Secrets and limits are those of c.
func (c Config) At(other Config) Config {
	if other.GPU != "" {
		c.GPU = other.GPU
	}
	if other.Weights != "" {
		c.Weights = other.Weights
	}
	if other.LLM.URL != "" {
		c.LLM.URL = other.LLM.URL
	}
	if other.LLM.Model != "" {
		c.LLM.Model = other.LLM.Model
	}
	if other.LLM.Mode != "" {
		c.LLM.Mode = other.LLM.Mode
	}
	return c
}

// Choose reads a user's choice of a scorer: the name of a kind; `gpu:` or `llm:` and a URL; or `embedded:` and a file
// of weights, which replaces Config.Weights. With `embedded` alone, Config.Weights does not change.
func (c Config) Choose(choice string) (kind string, _ Config, err error) {
	kind, address, given := strings.Cut(choice, ":")
	switch {
	case kind == Embedded && strings.HasPrefix(address, gsPrefix):
		c.Weights = address
	case kind == Embedded && given:
		// Another command may continue the run from another working directory.
		if c.Weights, err = filepath.Abs(address); err != nil {
			return "", c, fmt.Errorf("weights %s: %w", address, err)
		}
		if _, err := os.Stat(c.Weights); address == "" || err != nil {
			return "", c, fmt.Errorf("weights %q: there is no such file; `harvest train` writes one", address)
		}
	case kind == Embedded:
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
	case kind == LLM:
		if given {
			c.LLM.URL = address
		}
		if err := c.LLM.Complete(); err != nil {
			return "", c, err
		}
	default:
		return "", c, CheckKind(kind)
	}
	return kind, c, nil
}

var errNoAddress = errors.New("the sidecar's URL is not set: give --scorer gpu:URL, or set GPU_SIDECAR")

// CheckKind returns an error for an unknown kind.
func CheckKind(kind string) error {
	known := []string{Embedded, GPU, LLM}
	if slices.Contains(known, kind) {
		return nil
	}
	return fmt.Errorf("there is no such kind%s; the kinds are %s, %s and %s",
		spelling.Hint(kind, known), Embedded, GPU, LLM)
}

// An Opener opens scorers. It is safe for concurrent use; a process should have one.
type Opener struct {
	weights  weights
	memory   *memory.Budget
	work     bucket.Bucket // contains the weights that were trained on teachers' annotations; may be nil
	sidecar  *gpu.Sidecar  // nil if its URL is not set
	endpoint *llm.Endpoint // nil if noEndpoint is set
	// noEndpoint is the reason why the scorer llm cannot be opened.
	noEndpoint error
}

// New returns an Opener. budget is the memory for decoding images. work stores paid answers; if work is nil, they are
// not stored. If onWait is not nil, it is called with the reason of a wait at the first failure, and then every 30 s.
func New(c Config, budget *memory.Budget, work bucket.Bucket, onWait func(error)) (*Opener, error) {
	if budget == nil {
		return nil, errors.New("opening scorers: the budget of memory is missing")
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	from, err := newWeights(c.Weights)
	if err != nil {
		return nil, fmt.Errorf("EMBEDDED_WEIGHTS: %w", err)
	}
	o := &Opener{weights: from, memory: budget, work: work}
	var retry remote.Retry
	if onWait != nil {
		retry.OnWait = remote.Waiting(onWait)
	}
	if c.GPU != "" {
		at, err := gpu.ParseAddress(c.GPU)
		if err != nil {
			return nil, fmt.Errorf("GPU_SIDECAR: %w", err)
		}
		retry.Advice = gpu.Advice
		options := gpu.Options{Retry: retry, Token: c.GPUToken}
		if c.GPUAudience != "" {
			if options.Client, err = idTokenClient(c.GPUAudience); err != nil {
				return nil, fmt.Errorf("GPU_SIDECAR_AUDIENCE: %w", err)
			}
		}
		o.sidecar = gpu.New(at, options)
	}
	retry.Advice = llm.Advice
	o.endpoint, o.noEndpoint = llm.New(c.LLM, llm.Options{Memory: budget, Work: work, Retry: retry})
	return o, nil
}

// Open opens the current scorer of a kind for a rubric. It waits for a scorer that is starting. The error is a
// scorer.ErrUnavailable if the same call may succeed later.
func (o *Opener) Open(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
	kind, mode := scorer.CutMode(kind)
	switch {
	case kind == Embedded:
		return o.weights.open(ctx, r, o.memory)
	case kind == GPU && o.sidecar == nil:
		return nil, errNoAddress
	case kind == GPU:
		return o.sidecar.Open(ctx, r)
	case kind == LLM && o.noEndpoint != nil:
		return nil, o.noEndpoint
	case kind == LLM:
		return o.openLLM(r, mode)
	case strings.HasPrefix(kind, scorer.TaughtKind) && o.work != nil:
		key := strings.TrimPrefix(kind, scorer.TaughtKind)
		return weights{name: kind, from: o.work, object: scorer.TaughtName(key)}.open(ctx, r, o.memory)
	case strings.HasPrefix(kind, Embedded+":"):
		return nil, errors.New("give only the kind, embedded: the service reads the name of the weights from " +
			"its variable EMBEDDED_WEIGHTS")
	case strings.HasPrefix(kind, GPU+":"):
		return nil, errors.New("give only the kind, gpu: the service reads the sidecar's URL from its variable GPU_SIDECAR")
	case strings.HasPrefix(kind, LLM+":"):
		return nil, errors.New("give only the kind, llm: the service reads the model and its URL from " +
			"its variables LLM_MODEL and LLM_URL")
	default:
		return nil, CheckKind(kind)
	}
}

func (o *Opener) openLLM(r *rubric.Rubric, mode string) (scorer.Scorer, error) {
	s, err := o.endpoint.Open(r, mode)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// RatingErrors returns the standard deviation of the error of a scorer's expected scores, by capability. The empty name
// has the value for other capabilities. It returns nil for a scorer whose errors were not measured.
func RatingErrors(kind string, capabilities []string) map[string]float64 {
	if kind != Embedded {
		return nil
	}
	return embedded.RatingErrors(capabilities)
}
