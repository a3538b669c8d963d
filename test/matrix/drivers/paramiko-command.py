"""Does one thing with paramiko: paramiko-command.py HOST PORT USER KEY KNOWN_HOSTS COMMAND [ARGUMENT...]"""

import sys

import paramiko

host, port, user, key, known_hosts, command, *arguments = sys.argv[1:]

with paramiko.SSHClient() as ssh:
    # An unknown host key is refused: paramiko's default, once it was given host keys.
    ssh.load_host_keys(known_hosts)
    ssh.connect(host, int(port), user, key_filename=key, look_for_keys=False, allow_agent=False)
    with ssh.open_sftp() as sftp:
        if command == "listdir":
            print("\n".join(sftp.listdir(*arguments)))
        else:
            getattr(sftp, command)(*arguments)
