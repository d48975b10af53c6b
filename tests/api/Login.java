import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** Logs in twice and asks for the version, with the JDK's client as it comes. Prints the statuses. */
class Login {
    public static void main(String[] arguments) throws Exception {
        var client = HttpClient.newHttpClient();
        var url = arguments[0];
        var login = HttpRequest.newBuilder(URI.create(url + "/v0/login"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"privateKey\": \"" + arguments[1] + "\"}"))
                .build();
        var version = HttpRequest.newBuilder(URI.create(url + "/version")).build();
        for (var request : new HttpRequest[] {login, version, login}) {
            System.out.println(client.send(request, BodyHandlers.ofString()).statusCode());
        }
    }
}
