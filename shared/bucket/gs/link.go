package gs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"cloud.google.com/go/storage"
)

// Link implements bucket.Linker by a signed URL. The key of the process's credentials signs it. If the credentials have
// no key, as on Cloud Run, IAM signs it: then the service account needs roles/iam.serviceAccountTokenCreator on itself.
// Emulators of Cloud Storage do not check signatures, so for them the link is empty.
func (g *Bucket) Link(_ context.Context, name, file string, valid time.Duration) (string, error) {
	if os.Getenv("STORAGE_EMULATOR_HOST") != "" {
		return "", nil
	}
	link, err := g.bucket.SignedURL(name, &storage.SignedURLOptions{
		Scheme: storage.SigningSchemeV4, Method: http.MethodGet, Expires: time.Now().Add(valid),
		QueryParameters: url.Values{"response-content-disposition": {fmt.Sprintf("attachment; filename=%q", file)}},
	})
	if err != nil {
		return "", fmt.Errorf("signing a link to %s: %w", name, err)
	}
	return link, nil
}
