package handler

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/keeper"
)

// Credentials are the live values; *keeper.Keeper has them.
type Credentials interface {
	Current(appID, kind string) (keeper.Current, error)
	Await(ctx context.Context, appID, kind string, differs func(keeper.Current) bool) (keeper.Current, error)
	Report(ctx context.Context, r keeper.Report) (result string, err error)
	Issued(ctx context.Context, sha256Hex string) (appID string, found bool, err error)
	Holds(sha256Hex string) bool
	Agents(corpID string) []string
}

// Control answers business servers: they get values and signatures here, and
// never learn an AppSecret.
//
//	control_guard.go    who may enter
//	control_value.go    a live value, now or as soon as it changes
//	control_report.go   a value is reported as dead
//	control_sign.go     pages and cards are signed
//	control_tencent.go  drop-in paths: Tencent's addresses in Tencent's shape
//	control_wecom.go    drop-in paths of WeCom
//	control_errors.go   the table error → status, code
type Control struct {
	credentials Credentials
	guard       *Guard
	signer      Signer
	answers     bodies

	waits    context.Context // ends when nobody may wait here any longer
	endWaits context.CancelFunc
	lot      *lot     // where they wait whose connection can be taken aside
	standing standing // who waits otherwise
}

// NewControl makes the handler.
func NewControl(credentials Credentials, guard *Guard, signer Signer) (*Control, error) {
	if credentials == nil || guard == nil || signer == nil {
		return nil, errors.New("handler: Credentials, Guard and Signer are required")
	}
	h := &Control{credentials: credentials, guard: guard, signer: signer, lot: newLot(credentials)}
	h.waits, h.endWaits = context.WithCancel(context.Background())
	return h, nil
}

// EndWaits answers all long polls at once, and later ones without waiting: the
// process is about to stop, and the callers ask another replica. When it returns
// all of them are with their servers, whose Shutdown waits for them, unless ctx
// has ended before.
func (h *Control) EndWaits(ctx context.Context) {
	h.endWaits()
	h.lot.close(ctx)
}

// controlBodyLimit is the largest body on these routes, in bytes.
const controlBodyLimit = 64 << 10

// extraTime is what a connection gets beyond the time that an answer may take.
const extraTime = 5 * time.Second

// allowTime moves the deadlines of the connection: the server's own are for
// answers that come at once. The one for reading counts too: when it passes, the
// server takes the client for gone. A connection without deadlines is fine.
func allowTime(c *gin.Context, d time.Duration) {
	until := time.Now().Add(d + extraTime)
	connection := http.NewResponseController(c.Writer)
	_ = connection.SetReadDeadline(until)
	_ = connection.SetWriteDeadline(until)
}
