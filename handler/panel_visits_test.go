package handler_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// network grants a number of tries.
type network struct{ left int }

func (n *network) Take(string) (wait time.Duration, granted bool) {
	n.left--
	return time.Second, n.left >= 0
}

// madeUp is a cookie that looks like one.
func madeUp(i int) string { return fmt.Sprintf("made-up-%035d", i) }

func withCookie(token string) *gin.Context {
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequest(http.MethodGet, "/admin/", http.NoBody)
	if token != "" {
		c.Request.AddCookie(&http.Cookie{Name: "wxsign", Value: token})
	}
	return c
}

func TestVisitsThatAreNotLookedUp(t *testing.T) {
	t.Parallel()
	v, none := handler.NewVisitors(), &network{}
	v.Opened(madeUp(1))
	v.Opened(madeUp(2))
	v.InVain(madeUp(2)) // has ended
	for name, tt := range map[string]struct {
		token   string
		refused bool
	}{
		"without a cookie":          {"", false},
		"of another length":         {"short", false},
		"opened a session lately":   {madeUp(1), false},
		"opened one that has ended": {madeUp(2), true},
		"unknown":                   {madeUp(3), true},
	} {
		if err := v.Unchecked(withCookie(tt.token), none); errors.Is(err, handler.ErrTooManyRequests) != tt.refused || !tt.refused && err != nil {
			t.Errorf("%s: %v, want refused: %t", name, err, tt.refused)
		}
	}
}

// Cookies are made up at ever new addresses: of all of them together few reach the
// database, and who is at work notices nothing.
func TestCookiesInVainAreLimitedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := handler.NewVisitors()
		v.Opened(madeUp(-1))
		lookedUp := 0
		for i := range 1000 {
			if v.Unchecked(withCookie(madeUp(i)), &network{left: 1}) == nil {
				v.InVain(madeUp(i))
				lookedUp++
			}
		}
		if lookedUp != 400 {
			t.Errorf("%d of 1,000 were looked up, want 400", lookedUp)
		}
		if err := v.Unchecked(withCookie(madeUp(-1)), &network{}); err != nil {
			t.Errorf("a person at work: %v", err)
		}
		time.Sleep(time.Second)
		if err := v.Unchecked(withCookie(madeUp(0)), &network{left: 1}); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}
