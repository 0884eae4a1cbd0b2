package crashtest

import "syscall"

// endWithUs has the system kill a process when the one that started it ends, however that comes.
func endWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
